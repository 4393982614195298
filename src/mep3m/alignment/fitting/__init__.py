"""Making the weights of the evidence method: labelled cases in, `learned.boosted.Weights` out."""
