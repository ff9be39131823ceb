"""Excel for the bureau: layout only. Figures come from the report they are given, and nothing here reads a store."""
