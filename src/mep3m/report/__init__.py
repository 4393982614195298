"""Tables, charts and pages of HTML; they draw numbers made elsewhere."""
