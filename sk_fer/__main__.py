"""``python -m sk_fer`` runs the command, also where ``sk-fer`` is not on the path."""

from sk_fer._cli import main

main()
