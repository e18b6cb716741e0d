#!lua flags=allow-oom
-- Begin with a shard, or begin again: no commit sent under this lease before can be applied any more.
-- KEYS: 1 lease, 2 watermarks
-- ARGV: 1 token, 2 sequence number to go on from, above all those sent
-- Returns {'OK', {key, watermark, …}} or {'FENCED'}.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return {'FENCED'} end
redis.call('HSET', KEYS[1], 'sequence', ARGV[2])
return {'OK', redis.call('HGETALL', KEYS[2])}
