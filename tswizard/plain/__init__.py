"""The wizard line by line: the same questions as on the screens, without any screen."""
