"""Small pieces that several folders share; they import nothing else of sk_fer."""
