"""``python -m sk_fer`` runs the command ``sk-fer``."""

from sk_fer._cli import main

main()
