-- Count a meeting among those of its tenant that are heard now, unless there are enough. Time is Redis time.
-- KEYS: 1 meetings heard now
-- ARGV: 1 most meetings (0: any number), 2 ms of silence after which one counts no more, 3… meeting ids
-- Returns 'OK' or 'FULL' (nothing changes). One that is counted already stays so.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
local most = tonumber(ARGV[1])
if most > 0 and redis.call('ZCARD', KEYS[1]) >= most and not redis.call('ZSCORE', KEYS[1], ARGV[3]) then
  return 'FULL'
end
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'OK'
