DELETE FROM bi_login WHERE login = $1::text::name
