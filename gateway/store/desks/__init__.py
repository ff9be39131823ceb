"""What each kind of caller asks of the store, a module for each; `gateway.store.Store` is all of them."""
