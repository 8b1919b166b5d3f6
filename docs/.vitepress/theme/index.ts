/** VitePress' own theme without the font that it would bring along, and with room for wide tables. */
import Theme from 'vitepress/theme-without-fonts';
import './style.css';

export default Theme;
