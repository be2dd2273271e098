"""Where the sending of webhooks stands, beside the view that says what there is to send."""
