"""What a catalogue file holds, before anything is read from it: format, columns, a column map to paste."""
