-- Notes which task each MessageId stands for.
-- KEYS: for each alias its own, the task of that id (a reply that came first), and the task
-- ARGV: for each alias the MessageId, the task's id, and keep (a point)
-- Returns the time and, for each alias, the row under the MessageId itself or nothing.
local rows = {}
for at = 1, #KEYS, 3 do
    local message_id, id, keep = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local _, ends = point(keep)
    rows[#rows + 1] = row(KEYS[at + 1])
    -- A field that is set makes a key: no row may come to be by it.
    if redis.call('EXISTS', KEYS[at + 2]) == 1 then
        redis.call('HSET', KEYS[at + 2], 'message_id', message_id)
    end
    redis.call('SET', KEYS[at], id)
    redis.call('PEXPIREAT', KEYS[at], digits(ends))
end
return { now, rows }
