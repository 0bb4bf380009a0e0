"""What people see: tables, charts, progress, notices. It does not know AWS."""
