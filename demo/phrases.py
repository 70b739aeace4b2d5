"""The words that surround a text on the web, in each language of the crawl."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    menu: tuple[str, ...]
    cookies: str
    accept: str
    share: str
    related: str
    most_read: str
    newsletter: str
    subscribe: str
    comments: str
    search: str
    by: str
    legal: tuple[str, ...]
    rights: str


PHRASES = {
    "en": Phrases(
        menu=("Home", "About us", "Archive", "Topics", "Shop", "Contact"),
        cookies="We use cookies to give you the best experience on our website.",
        accept="Accept all cookies",
        share="Share this page",
        related="You may also like",
        most_read="Most read this week",
        newsletter="Get our best stories in your inbox every Sunday morning.",
        subscribe="Sign up now",
        comments="Leave a reply",
        search="Search this site",
        by="By",
        legal=("Privacy policy", "Terms of use", "Cookie settings", "Sitemap"),
        rights="All rights reserved.",
    ),
    "de": Phrases(
        menu=("Startseite", "Über uns", "Archiv", "Themen", "Kontakt"),
        cookies="Wir verwenden Cookies, um Ihnen das beste Erlebnis auf unserer Seite zu bieten.",
        accept="Alle Cookies akzeptieren",
        share="Seite teilen",
        related="Das könnte Sie auch interessieren",
        most_read="Meistgelesen diese Woche",
        newsletter="Unsere besten Geschichten jeden Sonntag in Ihrem Postfach.",
        subscribe="Jetzt anmelden",
        comments="Kommentar schreiben",
        search="Seite durchsuchen",
        by="Von",
        legal=("Impressum", "Datenschutz", "Cookie-Einstellungen", "AGB"),
        rights="Alle Rechte vorbehalten.",
    ),
    "fr": Phrases(
        menu=("Accueil", "À propos", "Archives", "Rubriques", "Contact"),
        cookies="Nous utilisons des cookies pour améliorer votre expérience sur ce site.",
        accept="Tout accepter",
        share="Partager cette page",
        related="À lire également",
        most_read="Les plus lus de la semaine",
        newsletter="Recevez nos meilleurs articles chaque dimanche matin.",
        subscribe="Je m'abonne",
        comments="Laisser un commentaire",
        search="Rechercher sur le site",
        by="Par",
        legal=("Mentions légales", "Confidentialité", "Gestion des cookies", "Plan du site"),
        rights="Tous droits réservés.",
    ),
    "es": Phrases(
        menu=("Inicio", "Quiénes somos", "Archivo", "Temas", "Contacto"),
        cookies="Utilizamos cookies para ofrecerle la mejor experiencia en nuestra web.",
        accept="Aceptar todas",
        share="Compartir esta página",
        related="También le puede interesar",
        most_read="Lo más leído de la semana",
        newsletter="Reciba nuestros mejores artículos cada domingo por la mañana.",
        subscribe="Suscribirse",
        comments="Dejar un comentario",
        search="Buscar en el sitio",
        by="Por",
        legal=("Aviso legal", "Privacidad", "Configurar cookies", "Mapa web"),
        rights="Todos los derechos reservados.",
    ),
    "pt": Phrases(
        menu=("Início", "Sobre nós", "Arquivo", "Temas", "Contacto"),
        cookies="Utilizamos cookies para lhe oferecer a melhor experiência no nosso site.",
        accept="Aceitar todos",
        share="Partilhar esta página",
        related="Também lhe pode interessar",
        most_read="Mais lidos da semana",
        newsletter="Receba os nossos melhores artigos todos os domingos de manhã.",
        subscribe="Subscrever",
        comments="Deixe um comentário",
        search="Pesquisar no site",
        by="Por",
        legal=("Termos de uso", "Privacidade", "Gerir cookies", "Mapa do site"),
        rights="Todos os direitos reservados.",
    ),
    "it": Phrases(
        menu=("Home", "Chi siamo", "Archivio", "Argomenti", "Contatti"),
        cookies="Utilizziamo i cookie per offrirti la migliore esperienza sul nostro sito.",
        accept="Accetta tutti",
        share="Condividi questa pagina",
        related="Potrebbe interessarti anche",
        most_read="I più letti della settimana",
        newsletter="Ricevi i nostri migliori articoli ogni domenica mattina.",
        subscribe="Iscriviti ora",
        comments="Lascia un commento",
        search="Cerca nel sito",
        by="Di",
        legal=("Note legali", "Privacy", "Gestisci i cookie", "Mappa del sito"),
        rights="Tutti i diritti riservati.",
    ),
    "pl": Phrases(
        menu=("Strona główna", "O nas", "Archiwum", "Tematy", "Kontakt"),
        cookies="Używamy plików cookie, aby zapewnić najlepsze działanie naszej strony.",
        accept="Akceptuję wszystkie",
        share="Udostępnij tę stronę",
        related="Zobacz także",
        most_read="Najczęściej czytane w tym tygodniu",
        newsletter="Nasze najlepsze teksty w Twojej skrzynce w każdą niedzielę.",
        subscribe="Zapisz się",
        comments="Dodaj komentarz",
        search="Szukaj w serwisie",
        by="Autor:",
        legal=("Regulamin", "Polityka prywatności", "Ustawienia cookie", "Mapa strony"),
        rights="Wszelkie prawa zastrzeżone.",
    ),
    "ru": Phrases(
        menu=("Главная", "О нас", "Архив", "Темы", "Контакты"),
        cookies="Мы используем файлы cookie, чтобы сайт работал лучше.",
        accept="Принять все",
        share="Поделиться страницей",
        related="Читайте также",
        most_read="Самое читаемое за неделю",
        newsletter="Получайте наши лучшие статьи каждое воскресенье утром.",
        subscribe="Подписаться",
        comments="Оставить комментарий",
        search="Поиск по сайту",
        by="Автор:",
        legal=("Правила", "Конфиденциальность", "Настройки cookie", "Карта сайта"),
        rights="Все права защищены.",
    ),
    "ja": Phrases(
        menu=("ホーム", "このサイトについて", "過去の記事", "テーマ", "お問い合わせ"),
        cookies="当サイトでは利便性向上のためクッキーを使用しています。",
        accept="すべて許可する",
        share="このページを共有",
        related="こちらもおすすめ",
        most_read="今週よく読まれた記事",
        newsletter="毎週日曜日の朝に選りすぐりの記事をお届けします。",
        subscribe="登録する",
        comments="コメントを書く",
        search="サイト内検索",
        by="文・",
        legal=("利用規約", "個人情報の取り扱い", "クッキー設定", "サイトマップ"),
        rights="無断転載を禁じます。",
    ),
    "zh": Phrases(
        menu=("首页", "关于我们", "文章存档", "专题", "联系我们"),
        cookies="本网站使用缓存文件以便为您提供更好的浏览体验。",
        accept="全部接受",
        share="分享本页",
        related="您可能还喜欢",
        most_read="本周热门文章",
        newsletter="每个星期天早上把最好的文章送到您的邮箱。",
        subscribe="立即订阅",
        comments="发表评论",
        search="站内搜索",
        by="作者：",
        legal=("使用条款", "隐私政策", "缓存设置", "网站地图"),
        rights="版权所有。",
    ),
}
