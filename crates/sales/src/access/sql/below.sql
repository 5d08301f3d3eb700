WITH RECURSIVE below (id) AS (
    SELECT r.id
    FROM reporting_history r
    WHERE r.tenant_id = $1 AND AS_OF(r) AND r.manager_id = ANY ($4)
    UNION
    SELECT r.id
    FROM below b
    JOIN reporting_history r ON r.tenant_id = $1 AND AS_OF(r) AND r.manager_id = b.id
)
SELECT below.id FROM below ORDER BY below.id LIMIT 1000000
