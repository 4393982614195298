"""What people say of products that came in: reviews of the unsure ones, and the audit that a promise needs."""
