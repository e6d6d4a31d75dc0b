-- Rows by their ids, or by the MessageIds that stand for them.
-- KEYS: for each id its alias and its task
-- ARGV: 1 what the keys of tasks begin with
-- Returns the time and, for each id, its row or nothing.
local rows = {}
for at = 1, #KEYS, 2 do
    local task = redis.call('GET', KEYS[at])
    rows[#rows + 1] = row(task and ARGV[1] .. task or KEYS[at + 1])
end
return { now, rows }
