"""What stock is: pure rules on plain values. Only the standard library; clock and randomness are passed in."""
