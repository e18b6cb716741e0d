-- Put audio of one meeting on its shard, and how far its sources' messages have come with it. Sent
-- again after a lost reply it changes nothing, since the record keeps how far each track has come.
-- KEYS: 1 audio, 2 meeting record, 3 meetings
-- ARGV: 1 backlog limit, 2 meeting name, 3 number of marks, per mark:
--   field of the source's last message, its number, field of the track, position,
--   '1' if the source is over; then per chunk:
--   field of the track's end, end, samples, message, field of the open track,
--   its speaker's name, field of the track's last pause, '', 'pause' or 'end'
-- Returns 'OK', 'FULL' (nothing was taken) or 'ENDED'.
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 'FULL' end
local ended = redis.call('HGET', KEYS[2], 'ended_at_ms')
if ended == false then ended = redis.call('EXISTS', KEYS[2]) == 0 end
if ended then return 'ENDED' end

local function stored(field) return tonumber(redis.call('HGET', KEYS[2], field) or -1) end

local chunks = 4 + 5 * tonumber(ARGV[3])
local samples, ends = 0, {}
for i = chunks, #ARGV, 8 do
  local field, stop, length = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local open, paused, pause = ARGV[i + 4], ARGV[i + 6], ARGV[i + 7]
  if ends[field] == nil then ends[field] = stored(field) end
  local is_new = stop > ends[field]
  if length == 0 and not is_new then
    -- It comes after the sample that ended where it does, and only the record knows whether it has come.
    if pause == 'end' then is_new = redis.call('HEXISTS', KEYS[2], open) == 1
    else is_new = stored(paused) ~= stop end
  end
  if is_new then
    redis.call('XADD', KEYS[1], '*', 'm', ARGV[i + 3])
    ends[field] = math.max(stop, ends[field])
    samples = samples + length
    if pause == 'end' then
      redis.call('HDEL', KEYS[2], open, paused)
    else
      redis.call('HSET', KEYS[2], open, ARGV[i + 5])
      if pause == 'pause' then redis.call('HSET', KEYS[2], paused, ARGV[i + 1]) end
    end
  end
end
for field, stop in pairs(ends) do redis.call('HSET', KEYS[2], field, string.format('%.0f', stop)) end

for i = 4, chunks - 1, 5 do
  local seq, position = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 3])
  local before = redis.call('HGET', KEYS[2], ARGV[i])
  if ARGV[i + 4] == '1' then
    if before and tonumber(before) <= seq then redis.call('HDEL', KEYS[2], ARGV[i]) end
  elseif not before or tonumber(before) <= seq then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    if position > stored(ARGV[i + 2]) then redis.call('HSET', KEYS[2], ARGV[i + 2], ARGV[i + 3]) end
  end
end

redis.call('HINCRBY', KEYS[2], 'count:captured_samples', samples)
local clock = redis.call('TIME')
redis.call('ZADD', KEYS[3], string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)), ARGV[2])
return 'OK'
