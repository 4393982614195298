"""What people say of products that came in: reviews of unsure ones, and the audit of a promise."""
