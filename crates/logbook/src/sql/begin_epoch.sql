UPDATE log_lock SET epoch = epoch + 1
