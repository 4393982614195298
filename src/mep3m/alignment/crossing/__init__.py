"""Evidence from products, both ways: where one platform would file the other's products, and the reverse."""
