-- By which way somebody asked: the window, its page in a browser, the command line, another program.
ALTER TABLE activity ADD COLUMN via TEXT CHECK (via IN ('window', 'browser', 'cli', 'api'));

-- What the log can be asked for, the newest first. The topic of an action is what stands before its dot, and the dot.
CREATE INDEX activity_at ON activity (at);
CREATE INDEX activity_topic ON activity (substr(action, 1, instr(action, '.')), at);
CREATE INDEX activity_subject ON activity (subject, at) WHERE subject IS NOT NULL;
-- Most lines are the program's own, and found as fast without an index.
CREATE INDEX activity_actor ON activity (actor, at) WHERE actor <> 'relay';
