-- Rows whose time to wake has come, the earliest first.
-- KEYS: 1 due
-- ARGV: 1 what the keys of tasks begin with, 2 rows at most
-- Returns the time and the rows. What is due of rows that are gone is removed: so much at a time that
-- nobody else waits for long.
local ROWS_MAX, CHUNK, LOOKS_MAX = tonumber(ARGV[2]), 100, 20

local rows, behind = {}, 0
for _ = 1, LOOKS_MAX + ROWS_MAX / CHUNK do
    if #rows >= ROWS_MAX then break end
    local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', digits(now), 'LIMIT', behind, CHUNK)
    if #ids == 0 then break end
    for _, id in ipairs(ids) do
        if #rows >= ROWS_MAX then break end
        local found = row(ARGV[1] .. id)
        if found then
            rows[#rows + 1] = found
            behind = behind + 1
        else
            redis.call('ZREM', KEYS[1], id)
        end
    end
end
return { now, rows }
