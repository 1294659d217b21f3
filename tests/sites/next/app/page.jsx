'use client';
import { useEffect, useState } from 'react';
import { Player } from '../components/Player.jsx';

export default function Page() {
  const [query, setQuery] = useState(null);
  const [src, setSrc] = useState(null);
  useEffect(() => {
    const given = new URLSearchParams(location.search);
    setQuery(given);
    setSrc(given.get('src'));
    Object.assign(globalThis, { change: setSrc, end: () => setSrc(null) });
  }, []);
  return src && <Player src={src} tracker={query.get('tracker')} />;
}
