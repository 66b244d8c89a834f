"""What several adapters stand on: how bytes move, how a link opens, and where it may be used."""
