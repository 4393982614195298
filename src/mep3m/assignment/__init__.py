"""What a trained run answers: the run itself, its answers, and its answers after edits of the tree."""
