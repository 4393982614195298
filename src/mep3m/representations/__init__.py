"""Products as vectors of unit length, by what their titles say and what their pictures show."""
