"""Small modules that several folders share. They import no other folder of sk_fer."""
