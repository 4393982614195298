"""The paper's rule (section 3.2): links by the names and the titles of two categories."""
