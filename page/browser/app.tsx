// The page: the fleet in one line, the routers on the left, what is chosen on the right.
import { Dialog } from './dialog.tsx'
import { notice } from './dialogs.ts'
import { Login } from './login.tsx'
import { Panel } from './panel.tsx'
import { RouterTable } from './router-table.tsx'
import { connection } from './store.ts'
import { TopBar } from './top-bar.tsx'

export function App() {
  if (connection.value === 'shut') return <Login />
  return (
    <>
      <TopBar />
      <main class={connection.value === 'lost' ? 'stale' : ''}>
        <RouterTable />
        <Panel />
      </main>
      <Dialog />
      <div class={`said-below ${notice.value?.isBad ? 'bad' : ''}`} role="status">
        {notice.value?.text}
      </div>
    </>
  )
}
