"""What a dump holds: its table of contents, the SQL of its entries, and how they are sent."""
