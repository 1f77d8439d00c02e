\set member random(1, :members)
\set reward random(1, :rewards)
SELECT role, replayed, sealed, status, headers, body FROM reward_redeem(
    '0193a000-0000-7000-8000-000000000000', 'staff', '0193a000-0000-7002-8000-000000000001',
    '2f6f3c0e-9d0a-4f6b-8d67-6f8f0c5d1c11', '{owner,duty_manager,showroom_manager}', 'crm',
    gen_random_uuid()::text, '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '0193a00000007000800000000000abcd', clock_timestamp(),
    point_new_id(clock_timestamp()), point_new_id(clock_timestamp()),
    ('0193a000-0000-7000-8000-' || lpad(to_hex(:member::bigint), 12, '0'))::uuid,
    ('0193a000-0000-7001-8000-' || lpad(to_hex(:reward::bigint), 12, '0'))::uuid, 1, NULL, NULL
);
