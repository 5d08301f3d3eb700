//! local_postgres.
