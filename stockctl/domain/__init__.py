"""What stock is: pure rules on plain values. Standard library only; clock and randomness are passed in."""
