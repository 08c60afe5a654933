"""What people bring: tables and typed numbers."""
