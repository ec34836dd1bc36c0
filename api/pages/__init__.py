"""What people see: an item's story in words, its page, its QR code."""
