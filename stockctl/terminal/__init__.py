"""What a person sees: tables, charts, progress, notices. Knows no AWS."""
