"""Image URLs: fetched politely, never from the own network, resumed where they broke off."""
