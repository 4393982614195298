"""Names of products as shops of several languages write them, for the tests of encodings."""

SIMPLIFIED = """
红富士苹果 5斤 整箱包邮
婴儿奶粉 三段 800克 罐装
不锈钢保温杯 大容量 便携水杯
儿童玩具积木 益智拼装
夏季新款连衣裙 修身显瘦
男士休闲运动鞋 透气网面
厨房家用电饭煲 多功能
西湖龙井 明前绿茶 礼盒装
长城干红葡萄酒 750毫升
纯棉四件套 床单被罩
手机壳 防摔保护套 适用华为
无线蓝牙耳机 降噪
洗衣液 薰衣草香 3公斤
空气炸锅 不粘 大容量
老北京布鞋 软底
有机小米 东北特产
实木书桌 简约现代
护手霜 滋润保湿 套装
笔记本电脑 14英寸 轻薄
宠物猫粮 成猫 10公斤
羽毛球拍 双拍 碳素
汽车座垫 四季通用
玻璃水壶 耐热 家用
太阳镜 女 防紫外线
加厚羽绒服 男 冬季
牛肉干 手撕 零食大礼包
洗脸巾 一次性 纯棉
电动牙刷 成人 充电式
陶瓷花瓶 摆件 客厅
学生书包 小学生 护脊
""".strip().splitlines()

TRADITIONAL = """
台灣高山烏龍茶 禮盒裝
嬰兒奶粉 三階段 八百公克
不鏽鋼保溫瓶 大容量
兒童益智積木玩具組
夏季新款洋裝 顯瘦
男用休閒運動鞋 透氣
廚房電鍋 十人份
純棉床包四件組
手機殼 防摔保護套
無線藍牙耳機 降噪
薰衣草洗衣精 補充包
氣炸鍋 家用 多功能
鳳梨酥 台北名產
有機糙米 真空包裝
實木書桌 簡約風格
護手霜 保濕滋潤
筆記型電腦 輕薄
貓飼料 成貓 雞肉口味
羽球拍 碳纖維
汽車座墊 四季通用
玻璃水壺 耐熱
太陽眼鏡 女款
羽絨外套 保暖 男
牛肉乾 原味 袋裝
洗臉巾 一次性
電動牙刷 充電式
陶瓷花瓶 擺飾
學生後背包 減壓
滑鼠墊 加大 防滑
檯燈 護眼 可調光
""".strip().splitlines()

JAPANESE = """
静岡産の緑茶 ティーバッグ 50個入り
赤ちゃん用の粉ミルク 800グラム
ステンレス製の水筒 保温保冷
子ども向けの積み木セット
夏のワンピース 花柄
メンズ スニーカー 軽量
炊飯器 5.5合炊き
日本酒の純米大吟醸 720ml
敷きパッド シングル 洗える
スマートフォンケース 手帳型
ワイヤレスイヤホン ノイズキャンセリング
洗濯洗剤 詰め替え用
ノンフライヤー 家庭用
抹茶クッキー 詰め合わせ
無洗米 新潟県産コシヒカリ
木製の机 引き出し付き
ハンドクリーム しっとりタイプ
ノートパソコン 14型
キャットフード 成猫用
バドミントンラケット 初心者向け
車のシートカバー 前席用
耐熱ガラスのポット
サングラス レディース
ダウンジャケット 冬物
ビーフジャーキー おつまみ
使い捨てのフェイスタオル
電動歯ブラシ 充電式
花瓶 陶器 北欧風
ランドセル 女の子用
折りたたみ傘 晴雨兼用
""".strip().splitlines()

KOREAN = """
보성 녹차 티백 50개입
유기농 분유 3단계
스테인리스 보온병 대용량
어린이 블록 장난감 세트
여름 원피스 꽃무늬
남성용 운동화 경량
전기밥솥 6인용
국산 현미 10킬로그램
순면 침대 커버 세트
휴대폰 케이스 지갑형
무선 이어폰 소음 차단
세탁 세제 리필
에어프라이어 가정용
김치 포기김치 5킬로그램
고추장 순한맛
원목 책상 서랍형
핸드크림 보습
노트북 14인치 초경량
고양이 사료 성묘용
배드민턴 라켓 초보자용
자동차 시트 커버
내열 유리 주전자
선글라스 여성용
겨울 패딩 점퍼
육포 안주 모음
일회용 세안 타월
전동 칫솔 충전식
도자기 꽃병 장식품
초등학생 책가방
접이식 우산 양산 겸용
""".strip().splitlines()

GERMAN = """
Grüner Tee aus Österreich
Milchpulver für Säuglinge
Thermosflasche für heiße Getränke
Bauklötze für Kinder
Sommerkleid mit Blütenmuster
Herrenschuhe, schön leicht
Weißes Geschirr, spülmaschinenfest
Gläser für Rotwein
Bettwäsche aus Baumwolle, grün
Hülle für das Mobiltelefon
Kopfhörer mit Geräuschdämmung
Flüssigwaschmittel für Wäsche
Heißluftfritteuse für zwei
Süßigkeiten und Plätzchen
Möhren und Äpfel aus der Region
Schreibtisch in Eichenoptik, höhenverstellbar
Handcreme mit Ringelblumenöl
Tragbarer Rechner für Schüler
Katzenfutter mit Hühnerfleisch
Federballschläger für Anfänger
Sitzbezüge für das Auto
Teekanne, 20 °C bis 100 °C
Sonnenbrille für Frauen, getönt
Daunenjacke für Männer
Dörrfleisch, gewürzt
Handtücher für Gäste
Elektrische Zahnbürste
Blumentopf, glasiert, Größe 5
Schulranzen für Mädchen
Kleiderbügel fürs Büro
""".strip().splitlines()

RUSSIAN = """
Зелёный чай в пакетиках
Сухое молоко для детей
Термос из нержавеющей стали
Кубики для малышей
Летнее платье с цветами
Мужские кроссовки
Рисоварка домашняя
Красное сухое вино
Постельное бельё из хлопка
Чехол для телефона
Беспроводные наушники
Средство для стирки
Печенье с корицей
Гречка и перловка
Письменный стол из дуба
Крем для рук
Ноутбук лёгкий
Корм для кошек
Ракетка для бадминтона
Чехлы на сиденья
Стеклянный чайник
Солнечные очки
Зимняя куртка
Вяленое мясо
Полотенце для лица
Электрическая щётка
Ваза из керамики
Школьный рюкзак
Складной зонт
Лампа настольная
""".strip().splitlines()

#: (encoding, names) that must never come in as something else without a word
FOREIGN = [
    ("big5", TRADITIONAL),
    ("shift_jis", JAPANESE),
    ("euc_jp", JAPANESE),
    ("euc_kr", KOREAN),
    ("cp1252", GERMAN),
    ("cp1251", RUSSIAN),
    ("koi8_r", RUSSIAN),
]


def is_utf8(content: bytes) -> bool:
    """Say whether bytes are UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
