-- A check of one box that holds nothing.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"type":"check","pub":"AyXlTRldQ11gJy2RTkZDPVJGODFcp8LgWlqFTp7AEwJmHk8qPVWRWS9DIMVxVeHyPw","at":0}'
