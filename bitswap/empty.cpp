namespace masu {}
