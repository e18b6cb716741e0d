-- Put audio of one meeting on its shard. Sent again after a lost reply it changes nothing, since
-- the record keeps how far each track has come.
-- KEYS: 1 audio, 2 meeting record, 3 meetings
-- ARGV: 1 backlog limit, 2 meeting name, 3 Unix ms, then per chunk:
--   field of the track's end, end, samples, '1' if the chunk only closes the track, message
-- Returns 'OK', 'FULL' (nothing was taken) or 'ENDED'.
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 'FULL' end
local ended = redis.call('HGET', KEYS[2], 'ended_at_ms')
if ended == false then ended = redis.call('EXISTS', KEYS[2]) == 0 end
if ended then return 'ENDED' end
local samples, ends = 0, {}
for i = 4, #ARGV, 5 do
  local field, stop = ARGV[i], tonumber(ARGV[i + 1])
  if ends[field] == nil then ends[field] = tonumber(redis.call('HGET', KEYS[2], field) or -1) end
  if stop > ends[field] or ARGV[i + 3] == '1' then
    redis.call('XADD', KEYS[1], '*', 'm', ARGV[i + 4])
    ends[field] = math.max(stop, ends[field])
    samples = samples + ARGV[i + 2]
  end
end
for field, stop in pairs(ends) do redis.call('HSET', KEYS[2], field, string.format('%.0f', stop)) end
redis.call('HINCRBY', KEYS[2], 'count:captured_samples', samples)
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
return 'OK'
