#!lua flags=allow-oom
-- Be no longer a member.
-- KEYS: 1 members, 2 what they say of themselves, 3 count of changes of both
-- ARGV: 1 member
-- Returns 'OK'.
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('INCR', KEYS[3])
return 'OK'
