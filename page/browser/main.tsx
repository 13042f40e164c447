// The page in the browser.
import { render } from 'preact'
import { App } from './app.tsx'
import { listenToKeys } from './keys.ts'
import { takeTokenOfAddress } from './login.tsx'
import { begin, stayConnected } from './stream.ts'

const place = document.getElementById('app')
if (place) render(<App />, place)
listenToKeys()
await takeTokenOfAddress()
await begin()
stayConnected()
