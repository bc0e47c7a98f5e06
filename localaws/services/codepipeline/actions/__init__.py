"""What actions do, a module for each provider; `catalog` has them all."""
