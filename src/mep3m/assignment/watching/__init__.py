"""What became of filings: audits of some of them, and branches that fell back."""
