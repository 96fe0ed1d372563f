"""What the wizard knows and says, whether on screens (`tui`) or line by line (`plain`)."""
