"""Stock is never lost, doubled, oversold or served expired, whatever fails: crashes, interleavings, skew, long runs."""
