-- Give a dead letter to the stage that gave it up, and to no other, once.
-- KEYS: 1 dead letters, 2 stream it came from, 3 lease of the stage on this shard
-- ARGV: 1 id of the letter, 2 stage, 3 id that the entry had, 4 'in place' or 'at the end', 5… fields and values
-- Returns 'OK'; or, and then nothing changes, 'GONE' (no such letter any more) or 'TRIMMED' (the
-- entry is to be read in its place, and is kept no longer).
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 'GONE' end
if ARGV[4] == 'in place' then
  if #redis.call('XRANGE', KEYS[2], ARGV[3], ARGV[3]) == 0 then return 'TRIMMED' end
  redis.call('XCLAIM', KEYS[2], ARGV[2], 'owner', 0, ARGV[3], 'FORCE', 'JUSTID')
  -- Pending entries are read by a new owner only: the present one finds itself replaced.
  redis.call('HINCRBY', KEYS[3], 'token', 1)
  redis.call('HDEL', KEYS[3], 'owner', 'until_ms')
else
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5))
end
redis.call('XDEL', KEYS[1], ARGV[1])
return 'OK'
