// Takes the folder of its argument and keeps it until it is killed; says how it went.
import { createFolderLock } from '../../../agent/journal/folder-lock.ts'

createFolderLock(process.argv[2] ?? '')
  .acquire()
  .then(
    () => console.log('held'),
    (err) => console.log(err.message),
  )
setInterval(() => {}, 1000)
