"""Filing at size: new products in parts that a killed run goes on with, and a watch over what was filed."""
